"""Reports: tables, figures, LaTeX document and JSON, made from a StudyRecord alone."""

from harness.system.environment_variables import drop_missing_backend

# Before matplotlib, which modules of this folder import first of all.
drop_missing_backend()
