"""Reports: tables, figures, LaTeX document and JSON, made from a StudyRecord alone."""
