"""How the learned parts are made: ``python -m evals train`` (evals/__main__.py) runs what is here."""
