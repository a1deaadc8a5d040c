//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// The page's files, embedded at build time. A file added to the folder is added here; a test compares the two.
enum PageFiles {
    /// The document itself.
    static let index = PackageResources.index_html

    /// What the document asks for below `/assets/`.
    static let assets: [String: [UInt8]] = [
        "api.js": PackageResources.api_js,
        "app.js": PackageResources.app_js,
        "chart.css": PackageResources.chart_css,
        "clock.js": PackageResources.clock_js,
        "demand-chart.js": PackageResources.demand_chart_js,
        "demand-plot.js": PackageResources.demand_plot_js,
        "demand-scale.js": PackageResources.demand_scale_js,
        "demand-table.js": PackageResources.demand_table_js,
        "dom.js": PackageResources.dom_js,
        "empty-state.js": PackageResources.empty_state_js,
        "favicon.svg": PackageResources.favicon_svg,
        "format.js": PackageResources.format_js,
        "header.js": PackageResources.header_js,
        "help-dialog.js": PackageResources.help_dialog_js,
        "job-list.js": PackageResources.job_list_js,
        "live-source.js": PackageResources.live_source_js,
        "metric-card.js": PackageResources.metric_card_js,
        "notices.js": PackageResources.notices_js,
        "refresh.js": PackageResources.refresh_js,
        "run-filters.js": PackageResources.run_filters_js,
        "run-row.js": PackageResources.run_row_js,
        "runs-table.js": PackageResources.runs_table_js,
        "runs.css": PackageResources.runs_css,
        "settings.js": PackageResources.settings_js,
        "status.js": PackageResources.status_js,
        "stream.js": PackageResources.stream_js,
        "style.css": PackageResources.style_css,
        "theme.js": PackageResources.theme_js,
        "tokens.css": PackageResources.tokens_css,
        "url-state.js": PackageResources.url_state_js,
    ]
}
