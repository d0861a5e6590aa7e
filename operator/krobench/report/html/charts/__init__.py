"""The charts of a page, as Vega-Lite specifications: plain data, drawn elsewhere."""
