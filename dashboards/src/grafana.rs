//! The dashboard as Grafana imports it (schema of Grafana 10 and later).

mod grid;

use crate::expression::of_dashboard;
use crate::overview::ROWS;
use crate::panel::{Kind, Panel, Row, Target};
use grid::Grid;
use serde_json::{Value, json};

/// The whole dashboard.
pub(crate) fn dashboard() -> Value {
    json!({
        "__inputs": [],
        "__requires": [
            { "type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.0.0" },
            { "type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0" },
            { "type": "panel", "id": "stat", "name": "Stat", "version": "" },
            { "type": "panel", "id": "timeseries", "name": "Time series", "version": "" },
        ],
        "annotations": { "list": [] },
        "description": "What aqs answers, from where, and what that costs the store. Written by \
                        `cargo run -p aqs-dashboards`.",
        "editable": true,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": null,
        "links": [],
        "panels": panels(),
        "refresh": "30s",
        "schemaVersion": 39,
        "tags": ["aqs"],
        "templating": { "list": variables() },
        "time": { "from": "now-6h", "to": "now" },
        "timepicker": {},
        "timezone": "utc",
        "title": "aqs: overview",
        "uid": "aqs-overview",
        "version": 1,
    })
}

/// The data source, jobs and instances: what is chosen above the panels.
fn variables() -> Value {
    let of_labels = |name: &str, label: &str, query: &str| {
        json!({
            "name": name,
            "label": label,
            "type": "query",
            "datasource": data_source(),
            "definition": query,
            "query": { "qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor" },
            "multi": true,
            "includeAll": true,
            "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
            // When the time changes: instances come and go.
            "refresh": 2,
            "sort": 1,
            "regex": "",
            "hide": 0,
            "options": [],
            "skipUrlSync": false,
        })
    };
    json!([
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
            "multi": false,
            "includeAll": false,
            "refresh": 1,
            "regex": "",
            "hide": 0,
            "options": [],
            "skipUrlSync": false,
        },
        of_labels("job", "Job", "label_values(aqs_build_info, job)"),
        of_labels("instance", "Instance", r#"label_values(aqs_build_info{job=~"$job"}, instance)"#),
    ])
}

fn data_source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn panels() -> Vec<Value> {
    let mut grid = Grid::default();
    let mut id = 0;
    let mut next = || {
        id += 1;
        id
    };
    let mut panels = Vec::new();
    for row in ROWS {
        panels.push(heading(row, next(), &mut grid));
        panels.extend(row.panels.iter().map(|panel| drawn(panel, next(), &mut grid)));
    }
    panels
}

fn heading(row: &Row, id: u32, grid: &mut Grid) -> Value {
    json!({
        "id": id,
        "type": "row",
        "title": row.title,
        "collapsed": false,
        "gridPos": grid.line(),
        "panels": [],
    })
}

fn drawn(panel: &Panel, id: u32, grid: &mut Grid) -> Value {
    let (kind, width, height) = match panel.kind {
        Kind::Figure => ("stat", 4, 4),
        Kind::Lines | Kind::Areas => ("timeseries", 8, 8),
    };
    json!({
        "id": id,
        "type": kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": data_source(),
        "gridPos": grid.place(width, height),
        "fieldConfig": { "defaults": defaults(panel), "overrides": [] },
        "options": options(panel.kind),
        "targets": targets(panel.targets),
    })
}

fn defaults(panel: &Panel) -> Value {
    let mut defaults = json!({ "unit": panel.unit.name(), "min": 0 });
    if panel.kind != Kind::Figure {
        let areas = panel.kind == Kind::Areas;
        defaults["custom"] = json!({
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": if areas { 30 } else { 0 },
            "showPoints": "never",
            "spanNulls": false,
            "stacking": { "group": "A", "mode": if areas { "normal" } else { "none" } },
        });
    }
    defaults
}

fn options(kind: Kind) -> Value {
    match kind {
        Kind::Figure => json!({
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
        }),
        Kind::Lines | Kind::Areas => json!({
            "legend": { "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true },
            "tooltip": { "mode": "multi", "sort": "desc" },
        }),
    }
}

fn targets(targets: &[Target]) -> Vec<Value> {
    let target = |(target, letter): (&Target, char)| {
        json!({
            "refId": letter.to_string(),
            "datasource": data_source(),
            "editorMode": "code",
            "expr": of_dashboard(target.expr),
            "legendFormat": target.legend,
            "range": true,
        })
    };
    targets.iter().zip('A'..='Z').map(target).collect()
}

#[cfg(test)]
mod tests;
