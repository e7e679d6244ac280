import { registry } from "@web/core/registry";
import { GraphRenderer } from "@web/views/graph/graph_renderer";
import { graphView } from "@web/views/graph/graph_view";
import { PivotRenderer } from "@web/views/pivot/pivot_renderer";
import { pivotView } from "@web/views/pivot/pivot_view";
import { OverviewPanel } from "./overview_panel";

/** Core colours by position, so that what was refused may be green. */
const COLORS = {
    accepted: "#2e8b57",
    in_flight: "#8a9299",
    later: "#f2b632",
    held: "#a86f00",
    refused: "#c0392b",
    unknown: "#7d3c98",
};

class OverviewGraphRenderer extends GraphRenderer {
    static template = "mail_server_oauth2.OverviewGraphRenderer";
    static components = { ...GraphRenderer.components, OverviewPanel };

    getBarChartData() {
        const data = super.getBarChartData();
        for (const dataset of data.datasets) {
            dataset.backgroundColor = this.colorOf(dataset.label) ?? dataset.backgroundColor;
        }
        return data;
    }

    /** Bars are told apart by outcome unless people have chosen other groups. */
    colorOf(label) {
        const { selection } = this.model.metaData.fields.outcome;
        const outcome = selection.find(([, words]) => words === label);
        return outcome && COLORS[outcome[0]];
    }
}

class OverviewPivotRenderer extends PivotRenderer {
    static template = "mail_server_oauth2.OverviewPivotRenderer";
    static components = { ...PivotRenderer.components, OverviewPanel };
}

const views = registry.category("views");
views.add("mail_oauth2_overview_graph", { ...graphView, Renderer: OverviewGraphRenderer });
views.add("mail_oauth2_overview_pivot", { ...pivotView, Renderer: OverviewPivotRenderer });
