"""Where the archive lives: the ledger (the record) and two indexes made from it, vectors and words."""
