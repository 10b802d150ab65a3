"""The page: records rendered as HTML, and the Gradio blocks around them."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported: nothing leaves this machine
