from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..exceptions import MailOAuth2Error, SignInNeededError
from ..models.core_module import CORE_MODULES, CORE_RESOURCE, CoreRegistration
from ..providers import SERVER_TYPES


class MailOAuth2TakeOverWizard(models.TransientModel):
    """Choose which servers of core's Outlook and Gmail modules to take over, and how."""

    _name = "mail.oauth2.take.over.wizard"
    _description = "Take Over Mail Servers"

    line_ids = fields.One2many(
        "mail.oauth2.take.over.line",
        "wizard_id",
        string="Servers",
        default=lambda self: self._lines(),
    )
    microsoft_app_id = fields.Many2one(
        "mail.oauth2.app",
        string="Microsoft App Registration",
        domain="[('provider', '=', 'microsoft'), ('company_id', '=', False)]",
        default=lambda self: self._registration("outlook").find(),
    )
    google_app_id = fields.Many2one(
        "mail.oauth2.app",
        string="Google App Registration",
        domain="[('provider', '=', 'google'), ('company_id', '=', False)]",
        default=lambda self: self._registration("gmail").find(),
    )
    needs_microsoft = fields.Boolean(compute="_compute_needs")
    needs_google = fields.Boolean(compute="_compute_needs")
    microsoft_app_info = fields.Char(compute="_compute_app_info")
    google_app_info = fields.Char(compute="_compute_app_info")
    is_finished = fields.Boolean(compute="_compute_results")
    taken_over = fields.Integer(compute="_compute_results")
    not_taken_over = fields.Integer(compute="_compute_results")
    failures = fields.Text(compute="_compute_results")
    needs_sign_in = fields.Boolean(compute="_compute_needs_sign_in")

    # ------------------------------------------------------------
    # DEFAULT AND COMPUTE METHODS
    # ------------------------------------------------------------

    @api.model
    def _lines(self):
        domain = [("smtp_authentication", "in", list(CORE_MODULES))]
        if only := self.env.context.get("take_over_server_ids"):
            domain.append(("id", "in", only))
        servers = self.env["ir.mail_server"].with_context(active_test=False).search(domain)
        return [
            Command.create({"server_id": server.id})
            for server in servers.sorted(lambda server: not server.active)
        ]

    @api.model
    def _registration(self, source):
        return CoreRegistration(self.env, CORE_MODULES[source])

    @api.depends("line_ids.source")
    def _compute_needs(self):
        for wizard in self:
            sources = wizard.line_ids.mapped("source")
            wizard.needs_microsoft = "outlook" in sources
            wizard.needs_google = "gmail" in sources

    @api.depends("microsoft_app_id", "google_app_id")
    def _compute_app_info(self):
        for wizard in self:
            wizard.microsoft_app_info = wizard._app_info("outlook", wizard.microsoft_app_id)
            wizard.google_app_info = wizard._app_info("gmail", wizard.google_app_id)

    def _app_info(self, source, app):
        """Say where the app registration comes from when none is chosen."""
        registration = self._registration(source)
        if app or registration.find():
            return False
        title = CORE_MODULES[source].title
        if registration.is_complete:
            return self.env._(
                "It will be made from the settings of the %(module)s module "
                "(client ID %(client_id)s).",
                module=title,
                client_id=registration.client_id,
            )
        return self.env._(
            "The settings of the %(module)s module hold no client ID and secret to make one from. "
            "Choose one, or make one first.",
            module=title,
        )

    @api.depends("line_ids.result", "line_ids.reason")
    def _compute_results(self):
        for wizard in self:
            results = wizard.line_ids.mapped("result")
            wizard.taken_over = results.count("done")
            wizard.not_taken_over = results.count("failed")
            wizard.is_finished = bool(results) and set(results) == {"done"}
            failed = wizard.line_ids.filtered("reason")
            wizard.failures = "\n\n".join(
                f"{line.server_id.name}: {line.reason}" for line in failed
            )

    @api.depends("line_ids.status")
    def _compute_needs_sign_in(self):
        for wizard in self:
            wizard.needs_sign_in = "done_sign_in" in wizard.line_ids.mapped("status")

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_take_over(self):
        """Take over the ticked servers, one after the other; show what became of each."""
        self.ensure_one()
        chosen = self.line_ids.filtered(lambda line: line.selected and line.result != "done")
        if not chosen:
            raise UserError(self.env._("Tick the servers to take over first."))
        for line in chosen:
            line._take_over()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Take over mail servers"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }


class MailOAuth2TakeOverLine(models.TransientModel):
    """One server to take over."""

    _name = "mail.oauth2.take.over.line"
    _description = "Mail Server to Take Over"

    wizard_id = fields.Many2one("mail.oauth2.take.over.wizard", required=True, ondelete="cascade")
    server_id = fields.Many2one(
        "ir.mail_server", string="Mail Server", required=True, readonly=True, ondelete="cascade"
    )
    source = fields.Selection(
        [("outlook", "Outlook"), ("gmail", "Gmail")],
        compute="_compute_server",
        store=True,
    )
    address = fields.Char(compute="_compute_server", store=True)
    owner_user_id = fields.Many2one(related="server_id.owner_user_id")
    target = fields.Selection(
        selection=lambda self: [
            (code, label)
            for code, label in self.env["ir.mail_server"]
            ._fields["smtp_authentication"]
            ._description_selection(self.env)
            if code in SERVER_TYPES
        ],
        string="New Type",
        compute="_compute_target",
        store=True,
        readonly=False,
    )
    permission = fields.Selection(
        [
            ("along", "Comes along"),
            ("connected", "Connected"),
            ("sign_in", "Sign in again"),
        ],
        compute="_compute_permission",
    )
    selected = fields.Boolean(
        string="Take Over",
        compute="_compute_selected",
        store=True,
        readonly=False,
    )
    token_refused = fields.Boolean(readonly=True)
    result = fields.Selection([("done", "Taken over"), ("failed", "Not taken over")], readonly=True)
    reason = fields.Text(readonly=True)
    note = fields.Text(compute="_compute_permission")
    status = fields.Selection(
        [
            ("along", "Permission comes along"),
            ("connected", "Mailbox is connected"),
            ("sign_in", "Sign in again"),
            ("failed", "Not taken over"),
            ("done", "Taken over"),
            ("done_sign_in", "Taken over, sign in"),
        ],
        compute="_compute_status",
    )

    # ------------------------------------------------------------
    # CRUD METHODS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # The fields of a line tell what its server is.
        lines = super().create(vals_list)
        lines.server_id.check_access("write")
        return lines

    def write(self, vals):
        result = super().write(vals)
        if "server_id" in vals:
            self.server_id.check_access("write")
        return result

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    @api.depends("server_id")
    def _compute_server(self):
        """Keep what the server was: a take-over changes it."""
        for line in self:
            server = line.server_id
            line.source = server.smtp_authentication
            line.address = server.smtp_user

    @api.depends("source")
    def _compute_target(self):
        for line in self:
            line.target = line._core_module().targets[0]

    @api.depends(
        "server_id",
        "target",
        "token_refused",
        "result",
        "wizard_id.microsoft_app_id",
        "wizard_id.google_app_id",
    )
    def _compute_permission(self):
        for line in self:
            obstacle = line._obstacle()
            connected = line._is_connected()
            line.permission = "connected" if connected else "sign_in" if obstacle else "along"
            is_open = line.result != "done" and not connected
            line.note = " ".join([*line._marks(), *([obstacle] if obstacle and is_open else [])])

    @api.depends("permission", "result")
    def _compute_status(self):
        """Sum up where a line stands, for people."""
        for line in self:
            if line.result == "done":
                line.status = "done_sign_in" if line.permission == "sign_in" else "done"
            else:
                line.status = line.result or line.permission

    @api.depends("permission", "server_id")
    def _compute_selected(self):
        """Propose what changes nothing for anybody; the rest is for a person to tick."""
        for line in self:
            line.selected = line.server_id.active and line.permission != "sign_in"

    def _marks(self):
        """Return what is special about the server itself, as sentences."""
        if not self.server_id.active:
            yield self.env._("Archived.")
        if self.owner_user_id:
            yield self.env._("Personal (%(user)s).", user=self.owner_user_id.name)

    def _is_connected(self):
        """Tell whether the mailbox can already send the new way."""
        if self.result == "done":
            mailbox = self.server_id.oauth2_mailbox_id
        else:
            app = self._chosen_app() or self._registration().find()
            mailbox = self.env["mail.oauth2.take.over"]._find_mailbox(self.server_id, app)
        usable = mailbox.state in ("connected", "attention")
        return usable and self._resource() in mailbox._resources()

    def _obstacle(self):
        """Say why core's permission cannot come along; ``False`` where it can."""
        module, registration, app = self._core_module(), self._registration(), self._chosen_app()
        if self.token_refused:
            return self.env._("The permission no longer works.")
        if not self.server_id.sudo()[module.refresh_token_column]:
            return self.env._("No permission is stored.")
        if not registration.is_complete:
            return self.env._("The permission was given to Odoo S.A.")
        if app and not registration.fits(app):
            return self.env._("The permission is for another app registration or tenant.")
        if self._resource() != CORE_RESOURCE:
            return self.env._("Graph needs another permission.")
        return False

    def _resource(self):
        return SERVER_TYPES[self.target].resource if self.target else ""

    def _core_module(self):
        return CORE_MODULES[self.source]

    def _registration(self):
        return CoreRegistration(self.env, self._core_module())

    def _chosen_app(self):
        wizard = self.wizard_id
        return wizard.microsoft_app_id if self.source == "outlook" else wizard.google_app_id

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_authenticate(self):
        """Sign in for the mailbox of a server that was taken over without its permission."""
        self.ensure_one()
        return self.server_id.action_oauth2_authenticate()

    def _take_over(self):
        """Take this server over, or remember why not."""
        try:
            self.env["mail.oauth2.take.over"]._take_over(
                self.server_id,
                self.target,
                self._chosen_app(),
                bring_grant=self.permission == "along",
            )
        except MailOAuth2Error as error:
            self._failed(self._words(error), refused=isinstance(error, SignInNeededError))
        except UserError as error:
            self._failed(str(error))
        else:
            self.write({"result": "done", "reason": False})

    def _failed(self, reason, refused=False):
        self.write({"result": "failed", "reason": reason, "token_refused": refused})

    def _words(self, error):
        """Return cause and remedy; that of a dead permission is found in this very dialogue."""
        words = self.env["mail.oauth2.error"]._explain_error(error)
        remedy = words["remedy"]
        if isinstance(error, SignInNeededError):
            remedy = self.env._(
                "Tick it to take the server over all the same, and sign in afterwards."
            )
        said = words["provider_text"] and self.env._(
            "The provider says: %(text)s", text=words["provider_text"]
        )
        return "\n".join(line for line in (words["cause"], remedy, said) if line)
