"""The read side up to the evidence: understand a question, find passages, choose and attribute sentences."""
