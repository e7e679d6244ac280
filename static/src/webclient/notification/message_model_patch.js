import { Message } from "@mail/core/common/message_model";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";

/** @type {import("models").Message} */
const messagePatch = {
    /** The recipient whose status stands for all: one who failed, else one who waits, else any. */
    get leadingNotification() {
        const notifications = this.notification_ids;
        return (
            notifications.find((notification) => notification.isFailure) ??
            notifications.find((notification) => notification.isHeld) ??
            notifications[0]
        );
    },
    /** What the sign beside the author says to those who do not see it. */
    get deliveryTitle() {
        const { isFailure, isHeld } = this.leadingNotification;
        if (isFailure) {
            return _t("Delivery failure");
        }
        return isHeld ? _t("Held: not sent yet") : _t("Recipients");
    },
    get deliveryClass() {
        const { isFailure, isHeld } = this.leadingNotification;
        if (isFailure) {
            return "text-danger opacity-75";
        }
        return isHeld ? "o_mail_oauth2_held" : "opacity-50";
    },
    /**
     * Why recipients do not have the mail: each reason once, with their names where there are
     * several reasons. The first line says what happened, the others what to do.
     */
    get failureReasons() {
        const namesByText = new Map();
        for (const { failure_reason, res_partner_id, mail_email_address } of this.notification_ids) {
            if (failure_reason) {
                const name = res_partner_id ? this.getPersonaName(res_partner_id) : mail_email_address;
                namesByText.set(failure_reason, [...(namesByText.get(failure_reason) ?? []), name]);
            }
        }
        return [...namesByText].map(([text, names]) => {
            const [cause, ...rest] = text.split("\n");
            return {
                cause,
                rest: rest.join("\n"),
                names: namesByText.size > 1 ? names.join(", ") : "",
            };
        });
    },
};
patch(Message.prototype, messagePatch);
