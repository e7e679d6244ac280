/**
 * Look at what is visible below `root` and return what people who listen, tab or see little
 * would miss, one sentence each.
 *
 * https://www.w3.org/TR/WCAG22/ (1.1.1, 1.4.3, 2.4.3, 4.1.2)
 */
(root) => {
    const LEAST_CONTRAST = 4.5;
    // Odoo's own, the same on every one of its screens.
    const CORE = ".o_list_record_selector, .o_optional_columns_dropdown, .o_list_sortable_icon";
    const CORE_TEXT =
        ".o_form_label, [searchabletext], .o_setting_right_pane > .text-muted, .o_field_badge, " +
        ".o-mail-MessageNotificationPopover .ms-1.text-muted";
    const ICON = "i[class*='fa-'], span.fa, i.oi, span.oi";
    const problems = [];
    const isVisible = (element) =>
        element.checkVisibility({ visibilityProperty: true }) &&
        !element.closest(`[aria-hidden=true], ${CORE}`);
    const all = (selector) => [...root.querySelectorAll(selector)].filter(isVisible);
    const show = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 160);
    const textOf = (ids) =>
        (ids || "")
            .split(/\s+/)
            .map((id) => document.getElementById(id)?.textContent || "")
            .join(" ")
            .trim();
    const ownText = (element) => {
        const copy = element.cloneNode(true);
        copy.querySelectorAll(`[aria-hidden=true], ${ICON}`).forEach((icon) => icon.remove());
        return copy.textContent.trim();
    };

    function nameOf(element) {
        const labels = [...(element.labels || [])].map((label) => label.textContent.trim()).join(" ");
        const images = [...element.querySelectorAll("img[alt], [role=img][aria-label]")]
            .map((image) => image.alt || image.getAttribute("aria-label"))
            .join(" ");
        return (
            textOf(element.getAttribute("aria-labelledby")) ||
            (element.getAttribute("aria-label") || "").trim() ||
            labels ||
            (element.matches("button, a, [role=button]") && ownText(element)) ||
            images ||
            (element.getAttribute("title") || "").trim() ||
            (element.dataset.tooltip || "").trim()
        );
    }

    for (const element of all("input:not([type=hidden]), select, textarea, button, a[href]")) {
        if (!nameOf(element)) {
            problems.push(`no name: ${show(element)}`);
        }
    }
    for (const image of all("img")) {
        if (!image.hasAttribute("alt")) {
            problems.push(`no text alternative: ${show(image)}`);
        }
    }
    for (const icon of all(ICON)) {
        const control = icon.closest("button, a, [role=button], label");
        if (!(control && nameOf(control)) && !nameOf(icon) && !icon.closest("[data-tooltip]")) {
            problems.push(`icon without words: ${show(icon)}`);
        }
    }
    for (const element of all("[tabindex]")) {
        if (element.tabIndex > 0) {
            problems.push(`tab order of its own: ${show(element)}`);
        }
    }

    const channels = (color) => (color.match(/[\d.]+/g) || []).map(Number);
    const over = (top, below) => {
        const alpha = top[3] ?? 1;
        return [0, 1, 2].map((index) => top[index] * alpha + below[index] * (1 - alpha));
    };
    function backgroundOf(element) {
        const layers = [];
        for (let node = element; node; node = node.parentElement) {
            layers.push(channels(getComputedStyle(node).backgroundColor));
            if ((layers.at(-1)[3] ?? 1) === 1) {
                break;
            }
        }
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
    }
    // https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    function luminance(color) {
        const [red, green, blue] = color
            .map((value) => value / 255)
            .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    }
    function contrastOf(element) {
        const below = backgroundOf(element);
        const text = over(channels(getComputedStyle(element).color), below);
        const [light, dark] = [luminance(text), luminance(below)].sort((a, b) => b - a);
        return (light + 0.05) / (dark + 0.05);
    }
    const hasText = (element) =>
        [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const isDisabled = (element) => Boolean(element.closest("[disabled], .disabled"));
    const isReadable = (element) =>
        hasText(element) && !isDisabled(element) && !element.closest(CORE_TEXT);
    for (const element of all("*").filter(isReadable)) {
        const contrast = contrastOf(element);
        if (contrast < LEAST_CONTRAST) {
            problems.push(`contrast ${contrast.toFixed(2)}: ${show(element)}`);
        }
    }
    return problems;
};
