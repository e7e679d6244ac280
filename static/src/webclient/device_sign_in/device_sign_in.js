import { Component, onMounted, onWillDestroy, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { url } from "@web/core/utils/urls";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const SECOND = 1000;
const QR_SIZE = 160;

/**
 * The code to enter on another device, the time left, and whether somebody has signed in. Asks
 * the server at the provider's pace; the server keeps to it whatever is asked here.
 */
export class DeviceSignIn extends Component {
    static template = "mail_server_oauth2.DeviceSignIn";
    static components = { CopyButton };
    static props = { ...standardWidgetProps };

    setup() {
        // Silent: a poll must not show the loading indicator every few seconds.
        this.orm = useService("orm").silent;
        this.action = useService("action");
        this.state = useState({
            status: "waiting", // failed, finished
            failure: null,
            secondsLeft: 0,
            isRenewing: false,
        });
        this.copied = _t("Copied");
        onMounted(() => this.start());
        onWillDestroy(() => this.stop());
    }

    get values() {
        return this.props.record.data;
    }

    get qrCode() {
        return url("/report/barcode/", {
            barcode_type: "QR",
            value: this.values.verification_uri,
            width: QR_SIZE,
            height: QR_SIZE,
        });
    }

    /** "4:59", for eyes; screen readers hear of the end, not of every second. */
    get timeLeft() {
        const { secondsLeft } = this.state;
        return `${Math.floor(secondsLeft / 60)}:${String(secondsLeft % 60).padStart(2, "0")}`;
    }

    start() {
        this.endsAt = browser.performance.now() + this.values.seconds_left * SECOND;
        Object.assign(this.state, { status: "waiting", failure: null });
        this.tick();
        this.ticking = browser.setInterval(() => this.tick(), SECOND);
        this.pollLater();
    }

    tick() {
        const left = (this.endsAt - browser.performance.now()) / SECOND;
        this.state.secondsLeft = Math.max(Math.round(left), 0);
    }

    pollLater() {
        this.polling = browser.setTimeout(() => this.poll(), this.values.interval * SECOND);
    }

    async poll() {
        let answer;
        try {
            answer = await this.call("poll");
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                this.pause();
                throw error;
            }
            answer = { status: "waiting" };
        }
        this.receive(answer);
    }

    /** Get another code in place of the one that has ended. */
    async renew() {
        this.state.isRenewing = true;
        try {
            const answer = await this.call("renew");
            await this.props.record.load();
            this.receive(answer);
        } finally {
            this.state.isRenewing = false;
        }
    }

    async receive(answer) {
        if (this.isDestroyed) {
            return;
        }
        if (answer.status === "failed") {
            this.pause();
            Object.assign(this.state, { status: "failed", failure: answer });
        } else if (answer.status === "finished") {
            this.pause();
            this.state.status = "finished";
            await this.action.doAction(answer.action);
        } else if (this.state.status === "failed") {
            this.start();
        } else {
            this.pollLater();
        }
    }

    call(method) {
        return this.orm.call(this.props.record.resModel, method, [[this.props.record.resId]]);
    }

    pause() {
        browser.clearInterval(this.ticking);
        browser.clearTimeout(this.polling);
    }

    stop() {
        this.pause();
        this.isDestroyed = true;
        if (this.state.status === "waiting") {
            // Closed without a word: nobody waits for the code any longer.
            this.call("cancel").catch(() => {});
        }
    }
}

registry.category("view_widgets").add("mail_oauth2_device_sign_in", {
    component: DeviceSignIn,
    fieldDependencies: [
        { name: "user_code", type: "char" },
        { name: "verification_uri", type: "char" },
        { name: "interval", type: "integer" },
        { name: "seconds_left", type: "integer" },
    ],
});
