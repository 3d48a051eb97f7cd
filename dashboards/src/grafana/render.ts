// Our dashboards as Grafana's JSON, through Grafana's own foundation SDK. Pure.

import {
  BigValueGraphMode,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  GraphThresholdsStyleConfigBuilder,
  StackingConfigBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  MappingType,
  QueryVariableBuilder,
  RowBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StatesBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as GraphBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { edgeJob } from "../promql.ts";
import type { DashboardSpec, PanelSpec } from "./spec.ts";

/** Chosen at the top of each dashboard, so that the files fit any Grafana. */
const datasource = { type: "prometheus", uid: "${datasource}" };

/** The tag by which the dashboards link to each other. */
const tag = "charge-point-gateway";

/** A dashboard as the text of its file. */
export function dashboardFile(spec: DashboardSpec): string {
  return `${JSON.stringify(render(spec), null, 2)}\n`;
}

function render(spec: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.question)
    .tags([tag])
    .timezone("browser")
    .readonly()
    .refresh("30s")
    .time({ from: "now-1h", to: "now" })
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder("Gateway")
        .type(DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"))
    .withVariable(edgeVariable());
  let id = 0;
  for (const row of spec.rows) {
    builder.withRow(new RowBuilder(row.title).id(++id));
    for (const panel of row.panels) builder.withPanel(panelOf(panel).id(++id));
  }
  return builder.build();
}

function edgeVariable(): QueryVariableBuilder {
  return new QueryVariableBuilder("instance")
    .label("Edge")
    .datasource(datasource)
    .query({ query: `label_values(edge_ready{job="${edgeJob}"}, instance)`, refId: "edges" })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

function panelOf(spec: PanelSpec): GraphBuilder | StatBuilder | StatesBuilder {
  if (spec.kind === "graph") return graph(spec);
  if (spec.kind === "stat") return stat(spec);
  const words = { type: MappingType.ValueToText, options: { ...spec.words } } as const;
  return common(new StatesBuilder(), spec, { width: 8, height: 8 }).mergeValues(true).mappings([words]);
}

function stat(spec: PanelSpec): StatBuilder {
  return common(new StatBuilder(), spec, { width: 4, height: 4 })
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .graphMode(BigValueGraphMode.None); // one number is asked for: there is no line to draw
}

function graph(spec: PanelSpec): GraphBuilder {
  const builder = common(new GraphBuilder(), spec, { width: 8, height: 8 })
    .min(0)
    .lineWidth(1)
    .fillOpacity(spec.stacked ? 40 : 5)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (spec.stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group("A"));
  if (spec.redFrom !== undefined || spec.redBelow !== undefined) {
    builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  return builder;
}

function common<B extends GraphBuilder | StatBuilder | StatesBuilder>(
  builder: B,
  spec: PanelSpec,
  size: { readonly width: number; readonly height: number },
): B {
  builder
    .title(spec.title)
    .description(spec.question) // G1
    .datasource(datasource)
    .unit(spec.unit)
    .span(spec.width ?? size.width)
    .height(size.height)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(spec)));
  spec.queries.forEach(({ expr, legend }, at) => {
    const query = new DataqueryBuilder()
      .expr(expr)
      .legendFormat(legend)
      .refId(String.fromCodePoint(65 + at))
      .datasource(datasource);
    builder.withTarget(spec.kind === "stat" ? query.instant() : query.range());
  });
  return builder;
}

/** Colours from their value on. */
function steps({ redFrom, redBelow }: PanelSpec): Threshold[] {
  if (redBelow !== undefined)
    return [
      { value: null, color: "red" },
      { value: redBelow, color: "green" },
    ];
  const green = { value: null, color: "green" };
  return redFrom === undefined ? [green] : [green, { value: redFrom, color: "red" }];
}
