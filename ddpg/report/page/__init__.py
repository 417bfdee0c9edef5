"""The page of a report: one HTML file with its data, styles and scripts inside."""
