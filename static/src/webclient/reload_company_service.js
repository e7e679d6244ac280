import { rpcBus } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";

/**
 * Core reloads the whole page after every change of a company, because menus, colours and
 * document layouts may depend on it. Nothing of that depends on the page Email Server, and the
 * reload would swallow the answer of the button that saved it: the redirect of Authenticate,
 * the notification of Status, the dialogue of the test e-mail.
 */
const services = registry.category("services");
const coreService = services.get("reloadCompany");

export function changesEmailServerOnly({ model, method, args }) {
    if (model !== "res.company" || !["write", "web_save"].includes(method)) {
        return false;
    }
    const names = Object.keys(args[1] || {});
    return names.length > 0 && names.every((name) => name.startsWith("email_server_"));
}

services.add(
    "reloadCompany",
    {
        ...coreService,
        start(env, dependencies) {
            let isOurs = false;
            // Registered before core's own listener, so it runs before it.
            rpcBus.addEventListener("RPC:RESPONSE", ({ detail }) => {
                isOurs = changesEmailServerOnly(detail.data.params);
            });
            const action = Object.create(dependencies.action);
            action.doAction = (request, options) =>
                isOurs && request === "reload_context"
                    ? Promise.resolve()
                    : dependencies.action.doAction(request, options);
            return coreService.start(env, { ...dependencies, action });
        },
    },
    { force: true }
);
