import { Notification } from "@mail/core/common/notification_model";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";

/** Words for `FAILURE_TYPES` of models/mail_mail.py, in a list of recipients. */
const FAILURES = {
    mail_oauth2_refused: _t("Refused by the mail provider"),
    mail_oauth2_recipient: _t("Recipient refused by the mail provider"),
    mail_oauth2_sender: _t("The mailbox may not send as this address"),
    mail_oauth2_size: _t("Too large for the mail provider"),
    mail_oauth2_unknown: _t("It may have arrived or not"),
    mail_oauth2_given_up: _t("Given up after waiting too long"),
    mail_oauth2_held: _t("Held"),
};

/** @type {import("models").Notification} */
const notificationPatch = {
    setup() {
        super.setup(...arguments);
        /** Why it is held or has failed: plain words, the provider's own below. */
        this.failure_reason = false;
    },
    /** Whether it waits for somebody to put the mailbox in order. */
    get isHeld() {
        return this.notification_status === "ready" && this.failure_type === "mail_oauth2_held";
    },
    get isUnknown() {
        return this.isFailure && this.failure_type === "mail_oauth2_unknown";
    },
    get failureMessage() {
        return FAILURES[this.failure_type] ?? super.failureMessage;
    },
    get icon() {
        return this.isHeld ? "fa fa-pause-circle" : super.icon;
    },
    get label() {
        return this.isHeld ? _t("Held") : super.label;
    },
    get statusIcon() {
        if (this.isHeld) {
            return "fa fa-pause-circle";
        }
        return this.isUnknown ? "fa fa-question-circle text-danger" : super.statusIcon;
    },
    get statusTitle() {
        if (this.isHeld) {
            return _t("Held");
        }
        return this.isUnknown ? _t("Delivery unknown") : super.statusTitle;
    },
};
patch(Notification.prototype, notificationPatch);
