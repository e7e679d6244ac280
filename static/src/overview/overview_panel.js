import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

/** The mails that have not left: an icon, a word and what can be done about them. */
const KINDS = [
    { name: "waiting", icon: "fa-clock-o", label: _t("Waiting") },
    { name: "held", icon: "fa-pause-circle text-warning", label: _t("Held"), retry: _t("Try Now") },
    { name: "failed", icon: "fa-times-circle text-danger", label: _t("Failed"), retry: _t("Send Again") },
    { name: "unknown", icon: "fa-question-circle text-danger", label: _t("Delivery unknown") },
];

/** Above the history of hand-overs: how things stand now, and the way to what needs somebody. */
export class OverviewPanel extends Component {
    static template = "mail_server_oauth2.OverviewPanel";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.kinds = KINDS;
        this.state = useState({ sent: 0, mails: {}, mailboxes: [], reasons: [] });
        onWillStart(() => this.load());
    }

    async load() {
        Object.assign(this.state, await this.orm.call("mail.oauth2.attempt", "overview"));
    }

    openMails(kind) {
        return this.action.doAction("mail_server_oauth2.action_mail_oauth2_queue", {
            additionalContext: { [`search_default_oauth2_${kind}`]: 1 },
        });
    }

    async retry(kind) {
        const action = await this.orm.call("mail.mail", "action_oauth2_retry_kind", [kind]);
        return this.action.doAction(action, { onClose: () => this.load() });
    }

    openMailbox(id) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "mail.oauth2.mailbox",
            res_id: id,
            views: [[false, "form"]],
        });
    }

    openReason(reason) {
        return this.action.doAction(
            {
                type: "ir.actions.act_window",
                name: reason.cause,
                res_model: "mail.oauth2.attempt",
                domain: [["error_id", "=", reason.id]],
                views: [
                    [false, "list"],
                    [false, "kanban"],
                    [false, "form"],
                ],
            },
            { additionalContext: { search_default_week: 1 } }
        );
    }
}
