import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { Interaction } from "@web/public/interaction";

const SHOWN_FOR = 2000; // milliseconds

/** A text to pass on, with a button that copies it. */
export class CopyText extends Interaction {
    static selector = ".o_mail_oauth2_copy";
    dynamicContent = {
        input: { "t-on-focus": (ev) => ev.currentTarget.select() },
        button: { "t-on-click": this.copy },
        ".o_mail_oauth2_copied": { "t-att-class": () => ({ invisible: !this.isCopied }) },
    };

    setup() {
        this.isCopied = false;
    }

    async copy() {
        const input = this.el.querySelector("input");
        input.select();
        // Browsers offer the clipboard on https and localhost only; elsewhere the text is
        // selected, ready for Ctrl+C.
        if (!browser.navigator.clipboard) {
            return;
        }
        await this.waitFor(browser.navigator.clipboard.writeText(input.value));
        this.isCopied = true;
        this.updateContent();
        this.waitForTimeout(() => {
            this.isCopied = false;
        }, SHOWN_FOR);
    }
}

registry.category("public.interactions").add("mail_server_oauth2.copy_text", CopyText);
