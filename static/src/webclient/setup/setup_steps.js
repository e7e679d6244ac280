import { Component, useEffect, useRef } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/**
 * How far the guided setup has come. Whenever another step is shown, the keyboard goes to its
 * first empty field, or to its heading.
 */
export class SetupSteps extends Component {
    static template = "mail_server_oauth2.SetupSteps";
    static props = { ...standardWidgetProps };

    setup() {
        this.list = useRef("list");
        useEffect(
            () => this.focusStep(),
            () => [this.props.record.data.step]
        );
    }

    get steps() {
        return this.props.record.data.progress || [];
    }

    /** Said in a line where the list of steps has no room. */
    get where() {
        const index = this.steps.findIndex((step) => step.is_current);
        return _t("Step %(number)s of %(total)s: %(title)s", {
            number: index + 1,
            total: this.steps.length,
            title: this.steps[index]?.title,
        });
    }

    focusStep() {
        const form = this.list.el.closest(".o_form_view");
        const step = form?.querySelector(`[data-setup-step="${this.props.record.data.step}"]`);
        const fields = step?.querySelectorAll("input[type=text], input[type=password]") || [];
        const empty = [...fields].find((field) => !field.value && !field.disabled);
        // The page stays where it is: instructions stand above the fields.
        (empty || step?.querySelector("h2"))?.focus({ preventScroll: true });
    }
}

registry.category("view_widgets").add("mail_oauth2_setup_steps", { component: SetupSteps });
