import { Component, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const SHOWN_FOR = 2000; // milliseconds

/**
 * A value to enter somewhere else, with a button that copies it.
 *
 *     <widget name="mail_oauth2_copy_value" value="SMTP.Send" />
 *     <widget name="mail_oauth2_copy_value" field="redirect_uri" />
 */
export class CopyValue extends Component {
    static template = "mail_server_oauth2.CopyValue";
    static props = {
        ...standardWidgetProps,
        value: { type: String, optional: true },
        field: { type: String, optional: true },
    };

    setup() {
        this.text = useRef("text");
        this.state = useState({ isCopied: false });
    }

    get value() {
        return this.props.field ? this.props.record.data[this.props.field] : this.props.value;
    }

    get label() {
        return _t("Copy %s", this.value);
    }

    async copy() {
        // Browsers offer the clipboard on https and localhost only; elsewhere the text is
        // selected, ready for Ctrl+C.
        if (!browser.navigator.clipboard) {
            browser.getSelection().selectAllChildren(this.text.el);
            return;
        }
        await browser.navigator.clipboard.writeText(this.value);
        this.state.isCopied = true;
        browser.setTimeout(() => (this.state.isCopied = false), SHOWN_FOR);
    }
}

registry.category("view_widgets").add("mail_oauth2_copy_value", {
    component: CopyValue,
    extractProps: ({ attrs }) => ({ value: attrs.value, field: attrs.field }),
});
