"""Networks by name, their layer tables, and the fusion of their outputs."""
