import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

/** Says at once that a mailbox cannot send any more, with the way to where it is mended. */
export const incidentService = {
    dependencies: ["action", "bus_service", "notification"],
    start(env, { action, bus_service, notification }) {
        bus_service.subscribe("mail_server_oauth2.incident", ({ mailbox_id, title, message }) => {
            const close = notification.add(message, {
                title,
                type: "danger",
                sticky: true,
                buttons: [
                    {
                        name: _t("Open Mailbox"),
                        primary: true,
                        onClick: () => {
                            close();
                            action.doAction({
                                type: "ir.actions.act_window",
                                res_model: "mail.oauth2.mailbox",
                                res_id: mailbox_id,
                                views: [[false, "form"]],
                            });
                        },
                    },
                ],
            });
        });
    },
};

registry.category("services").add("mail_server_oauth2.incident", incidentService);
