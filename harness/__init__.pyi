from harness.api import StudyResults as StudyResults
from harness.api import compare as compare
from harness.api import load_model as load_model
from harness.api import load_report as load_report
from harness.api import load_study as load_study
from harness.api import run_study as run_study
from harness.api import shipped_studies as shipped_studies
from harness.comparisons.systems.system_comparison import SystemComparisons as SystemComparisons

__version__: str
