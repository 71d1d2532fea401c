"""Reading: files of any provider into columns, rows in order, tapes and klines."""
