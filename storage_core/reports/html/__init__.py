"""The HTML report: one file that needs nothing else, made of escaped-by-construction pieces."""
