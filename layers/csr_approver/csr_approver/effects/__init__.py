"""What is written: decisions on the request, denial records, metrics and log lines."""
