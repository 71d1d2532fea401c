"""Tables of any format, CSV, JSON, Parquet or DBN, into columns of a provider's names."""
