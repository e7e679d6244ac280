"""What core's queue cannot carry: how the hand-overs of one mail ended."""


class HandOver:
    """Carries typed errors and refusals from ``send_email`` to the queue.

    Core's ``_send`` knows only text by the time it writes the state of a mail.

    :param server: ``ir.mail_server`` that the mails of the batch leave through
    """

    def __init__(self, server):
        self.server = server
        self._error = None
        self._refused = {}
        self._calls = []

    def ended(self, is_accepted):
        """Note how the next of the mail's hand-overs ended: core makes one per recipient."""
        self._calls.append(is_accepted)

    def take_first(self):
        """Return whether the first hand-over of the mail in hand was accepted."""
        calls, self._calls = self._calls, []
        return bool(calls and calls[0])

    def failed(self, error):
        self._error = error

    def accepted(self, refused):
        """Note the recipients, ``{address: reply}``, who were refused while others were served."""
        self._refused.update(refused)

    def take_refused(self):
        """Return the refused recipients of the mail in hand once."""
        refused, self._refused = self._refused, {}
        return refused

    def take_error(self):
        """Return the error of the last hand-over once, ``None`` if it went well."""
        error, self._error = self._error, None
        return error
