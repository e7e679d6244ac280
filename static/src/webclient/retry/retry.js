import { Component, onWillDestroy, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatInteger } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/**
 * Sends many mails again, batch by batch: the server commits after each, so that thousands are
 * no problem and people can stop at any time. What was done until then stays done.
 */
export class Retry extends Component {
    static template = "mail_server_oauth2.Retry";
    static props = { ...standardWidgetProps };

    setup() {
        // Silent: the bar shows what is going on.
        this.orm = useService("orm").silent;
        this.action = useService("action");
        this.state = useState({
            status: "planned", // running, stopped, interrupted, finished
            plan: {},
            done: 0,
            sentAgain: 0,
            problem: "",
        });
        onWillStart(async () => {
            this.state.plan = await this.call("plan");
        });
        onWillDestroy(() => this.stop());
    }

    /** What happens to which mails; kinds without a mail are not mentioned. */
    get lines() {
        const { failed, held, unknown, other } = this.state.plan;
        const say = (count) => ({ count: formatInteger(count) });
        return [
            {
                name: "failed",
                count: failed,
                icon: "fa-repeat",
                text: _t("Failed mails that are sent again: %(count)s", say(failed)),
            },
            {
                name: "held",
                count: held,
                icon: "fa-play-circle",
                text: _t("Held mails that are tried now: %(count)s", say(held)),
            },
            {
                name: "unknown",
                count: unknown,
                icon: "fa-question-circle",
                text: _t(
                    "Mails that may have arrived: %(count)s. They are left out; each needs your decision.",
                    say(unknown)
                ),
            },
            {
                name: "other",
                count: other,
                icon: "fa-minus-circle",
                text: _t(
                    "Mails that leave by themselves, or are sent or cancelled already: %(count)s. They are left out.",
                    say(other)
                ),
            },
        ].filter((line) => line.count);
    }

    get hasWork() {
        const { failed, held } = this.state.plan;
        return failed + held > 0;
    }

    get canStart() {
        return this.hasWork && ["planned", "stopped", "interrupted"].includes(this.state.status);
    }

    get startLabel() {
        if (this.state.status !== "planned") {
            return _t("Go On");
        }
        return this.state.plan.failed ? _t("Send Again") : _t("Try Now");
    }

    get doneShare() {
        const { total } = this.state.plan;
        return total ? Math.round((100 * this.state.done) / total) : 0;
    }

    blockedWords(mailbox) {
        return _t("%(address)s: %(state)s. Its mails will be held again.", {
            address: mailbox.address,
            state: mailbox.label,
        });
    }

    /** What a screen reader hears, too. */
    get progress() {
        const { status, done, sentAgain } = this.state;
        const numbers = {
            done: formatInteger(done),
            total: formatInteger(this.state.plan.total),
            count: formatInteger(sentAgain),
        };
        switch (status) {
            case "planned":
                return "";
            case "running":
                return _t("%(done)s of %(total)s", numbers);
            case "finished":
                return _t(
                    "Mails back in the queue: %(count)s. They leave in the background, as fast as the provider takes them.",
                    numbers
                );
            default:
                return _t(
                    "Stopped after %(done)s of %(total)s. Mails back in the queue: %(count)s. The others are as they were.",
                    numbers
                );
        }
    }

    async start() {
        Object.assign(this.state, { status: "running", problem: "" });
        const round = (this.round = {});
        while (round === this.round && this.state.done < this.state.plan.total) {
            try {
                const { done, sent_again } = await this.call("run_batch", this.state.done);
                this.state.done = done;
                this.state.sentAgain += sent_again;
            } catch (error) {
                this.round = null;
                this.state.status = "interrupted";
                this.state.problem = error.data?.message || error.message;
            }
        }
        if (round === this.round) {
            this.state.status = "finished";
        }
    }

    /** Ask for no other batch; the one under way is finished and counted. */
    stop() {
        if (this.state.status === "running") {
            this.round = null;
            this.state.status = "stopped";
        }
    }

    openUnknown() {
        return this.action.doAction("mail_server_oauth2.action_mail_oauth2_queue", {
            additionalContext: { search_default_oauth2_unknown: 1 },
        });
    }

    openMailbox(mailbox) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "mail.oauth2.mailbox",
            res_id: mailbox.id,
            views: [[false, "form"]],
        });
    }

    call(method, ...args) {
        const { resModel, resId } = this.props.record;
        return this.orm.call(resModel, method, [[resId], ...args]);
    }
}

registry.category("view_widgets").add("mail_oauth2_retry", { component: Retry });
