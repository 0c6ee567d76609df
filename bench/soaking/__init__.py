"""For `soak`: one measurement of tables and processes."""
