"""Evals: how often the answers are right, measured offline by a program anyone can run (``python -m evals``)."""
