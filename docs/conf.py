"""The site: MyST and furo, built without a network. `make docs` builds it, and so does the demo's docs job."""

import tomllib
from pathlib import Path

_project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Reportback"
release = version = _project["version"]
copyright = "the Reportback contributors"

extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist"]
nitpicky = True

html_theme = "furo"
html_title = "Reportback"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5394", "color-brand-content": "#0b5394"},
    "dark_css_variables": {"color-brand-primary": "#8ab8f0", "color-brand-content": "#8ab8f0"},
}

copybutton_prompt_text = "$ "
