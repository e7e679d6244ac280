import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { formatSelection } from "@web/views/fields/formatters";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** The state of a mailbox as the status block shows it: word, icon and colour. */
export class MailboxStateField extends Component {
    static template = "mail_server_oauth2.MailboxStateField";
    static props = { ...standardFieldProps };

    get value() {
        return this.props.record.data[this.props.name];
    }

    get label() {
        const { selection } = this.props.record.fields[this.props.name];
        return formatSelection(this.value, { selection });
    }
}

registry.category("fields").add("mail_oauth2_state", {
    component: MailboxStateField,
    supportedTypes: ["selection"],
});
