"""Copy engines, one per file, all behind ``ports.copying.CopyEngine``."""
