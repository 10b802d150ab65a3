"""The errors a user can meet. Each message is one line and names the cure.

RagError
├── SourceError        a named source cannot be read
├── QuestionError      a question or a filter cannot be understood
├── SettingsError      a setting is wrong, or an extra is not installed
├── ModelError         the language model failed (the quoted answer is given instead)
├── WorkerError        a worker process of an ingest failed or is gone
└── ArchiveError       the archive cannot be used
    ├── ArchiveMissing     nothing has been ingested there yet
    ├── ArchiveLocked      another process is writing
    ├── ArchiveReadOnly    the folder or disk cannot be written
    ├── ArchiveCorrupt     a file of the archive is damaged
    └── ArchiveMismatch    it was made with another embedder, splitter or schema
"""


class RagError(Exception):
    """Any failure the product can explain to its user."""


class SourceError(RagError):
    """A named source cannot be read."""


class QuestionError(RagError):
    """A question or a filter cannot be understood."""


class SettingsError(RagError):
    """A setting is wrong, or an optional package is not installed."""


class ModelError(RagError):
    """The language model failed."""


class WorkerError(RagError):
    """A worker process of an ingest failed or is gone."""


class ArchiveError(RagError):
    """The archive cannot be used."""


class ArchiveMissing(ArchiveError):
    """Nothing has been ingested there yet."""


class ArchiveLocked(ArchiveError):
    """Another process is writing."""


class ArchiveReadOnly(ArchiveError):
    """The folder or the disk cannot be written."""


class ArchiveCorrupt(ArchiveError):
    """A file of the archive is damaged."""


class ArchiveMismatch(ArchiveError):
    """It was made with another embedder, splitter or schema."""
