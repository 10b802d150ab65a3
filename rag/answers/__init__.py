"""From evidence to an Answer: quoting by itself, or checking what a language model wrote."""
