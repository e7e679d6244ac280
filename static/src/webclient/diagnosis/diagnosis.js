import { Component, onWillStart, onWillDestroy, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const SECOND = 1000;

/** How an outcome looks: an icon and a word each, so that nobody has to tell colours apart. */
const LOOKS = {
    waiting: { icon: "fa-circle-o o_mail_oauth2_secondary", label: _t("Waiting") },
    running: { icon: "fa-circle-o-notch fa-spin text-primary", label: _t("Running") },
    passed: { icon: "fa-check-circle text-success", label: _t("Passed") },
    warning: { icon: "fa-exclamation-triangle text-warning", label: _t("Warning") },
    failed: { icon: "fa-times-circle text-danger", label: _t("Failed") },
    not_tried: { icon: "fa-minus-circle o_mail_oauth2_secondary", label: _t("Not tried") },
};

/**
 * A checklist whose checks the server runs one by one: each is asked for when the one before it
 * has ended, so that people see it happen and can stop it.
 */
export class Diagnosis extends Component {
    static template = "mail_server_oauth2.Diagnosis";
    static components = { CopyButton };
    static props = { ...standardWidgetProps };

    setup() {
        // Silent: the rows themselves show what is going on.
        this.orm = useService("orm").silent;
        this.state = useState({
            status: "running", // stopped, finished
            subject: [],
            sections: [],
            report: "",
        });
        this.root = useRef("root");
        this.looks = LOOKS;
        this.copied = _t("Copied");
        onWillStart(() => this.prepare());
        onWillDestroy(() => this.stop());
    }

    get rows() {
        return this.state.sections.flatMap((section) => section.checks);
    }

    count(...outcomes) {
        return this.rows.filter((row) => outcomes.includes(row.outcome)).length;
    }

    get doneShare() {
        const done = this.rows.length - this.count("waiting", "running");
        return this.rows.length ? Math.round((100 * done) / this.rows.length) : 0;
    }

    /** What a screen reader hears, too: one sentence while it runs, the result at the end. */
    get progress() {
        if (this.state.status === "running") {
            const current = this.rows.find((row) => row.outcome === "running");
            return current ? _t("Checking: %(check)s", { check: current.title }) : _t("Starting…");
        }
        if (this.state.status === "stopped") {
            return _t("Stopped.");
        }
        if (this.count("passed") === this.rows.length) {
            return _t("Everything is in order: mail can leave.");
        }
        const say = (outcome) => ({ count: this.count(outcome) });
        const counts = [
            [_t("%(count)s failed", say("failed")), this.count("failed")],
            [_t("%(count)s not tried", say("not_tried")), this.count("not_tried")],
            [_t("%(count)s with a warning", say("warning")), this.count("warning")],
            [_t("%(count)s passed", say("passed")), this.count("passed")],
        ];
        return counts
            .filter(([, count]) => count)
            .map(([words]) => words)
            .join(", ");
    }

    /** What people should look at first. */
    get problems() {
        return this.state.status === "running"
            ? []
            : this.rows.filter((row) => row.outcome === "failed");
    }

    show(row) {
        const element = this.root.el.querySelector(`[data-check="${row.name}"]`);
        element.scrollIntoView({ block: "center" });
        element.focus();
    }

    /** Show the rows; then the checks begin by themselves. */
    async prepare() {
        const { subject, patience, sections } = await this.call("begin");
        for (const row of sections.flatMap((section) => section.checks)) {
            row.outcome = "waiting";
        }
        Object.assign(this.state, { status: "running", subject, sections, report: "" });
        this.round = {};
        this.run(this.round, patience * SECOND);
    }

    /**
     * @param {Object} round stands for this run; another one takes its place when it is stopped
     * @param {number} patience milliseconds for one check
     */
    async run(round, patience) {
        for (const row of this.rows) {
            row.outcome = "running";
            const result = await this.check(row, patience);
            if (round !== this.round) {
                return;
            }
            Object.assign(row, result);
        }
        const report = await this.call("report");
        if (round === this.round) {
            Object.assign(this.state, { status: "finished", report });
        }
    }

    /** Return what there is to show of a check, whatever becomes of the question. */
    async check(row, patience) {
        const answer = this.call("run_check", row.name);
        let timer;
        const late = new Promise((resolve) => {
            timer = browser.setTimeout(() => resolve({ late: true }), patience);
        });
        try {
            const result = await Promise.race([answer, late]);
            if (!result.late) {
                return result;
            }
            answer.catch(() => {});
            const seconds = patience / SECOND;
            return {
                outcome: "failed",
                cause: _t("No answer within %(seconds)s seconds.", { seconds }),
                remedy: _t("The following checks go on without it. Press Run Again later."),
            };
        } catch (error) {
            return {
                outcome: "failed",
                cause: _t("Odoo could not run this check."),
                remedy: _t("Press Run Again. If it fails again, look into Odoo's log."),
                provider_text: error.data?.message || error.message,
            };
        } finally {
            browser.clearTimeout(timer);
        }
    }

    /** Leave the rest alone; the check that is under way ends by itself, unheard. */
    stop() {
        this.round = null;
        if (this.state.status !== "running") {
            return;
        }
        this.state.status = "stopped";
        for (const row of this.rows) {
            if (["waiting", "running"].includes(row.outcome)) {
                Object.assign(row, { outcome: "not_tried", summary: _t("You stopped here.") });
            }
        }
    }

    call(method, ...args) {
        return this.orm.call(this.props.record.resModel, method, [[this.props.record.resId], ...args]);
    }
}

registry.category("view_widgets").add("mail_oauth2_diagnosis", { component: Diagnosis });
