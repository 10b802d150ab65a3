"""The write side: from what a source yields to articles, sentences, passages, statements and vectors."""
