import { Component, onMounted, onWillStart, useEffect, useRef, useState } from "@odoo/owl";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

/**
 * A box for any error text, and what it means. The text goes to the server once and is stored
 * nowhere; in its place comes back the same text without secrets.
 */
export class ExplainError extends Component {
    static template = "mail_server_oauth2.ExplainError";
    static components = { CopyButton, Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.display = { controlPanel: this.env.inDialog ? false : {} };
        this.copied = _t("Copied");
        this.box = useRef("box");
        this.outcome = useRef("outcome");
        this.state = useState({
            text: this.props.action.params?.text || "",
            answer: null,
            isAsking: false,
        });
        onWillStart(() => this.state.text.trim() && this.explain());
        onMounted(() => !this.state.answer && this.box.el.focus());
        // A screen reader goes on with what has come.
        useEffect(
            (answer) => answer && this.outcome.el?.focus(),
            () => [this.state.answer]
        );
    }

    async explain() {
        if (!this.state.text.trim()) {
            this.clear();
            return;
        }
        this.state.isAsking = true;
        try {
            const answer = await this.orm.call("mail.oauth2.error", "explain", [this.state.text]);
            Object.assign(this.state, { text: answer.text, answer });
        } finally {
            this.state.isAsking = false;
        }
    }

    clear() {
        Object.assign(this.state, { text: "", answer: null });
        this.box.el.focus();
    }
}

registry.category("actions").add("mail_oauth2_explain", ExplainError);
