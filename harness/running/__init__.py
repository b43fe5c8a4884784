"""From a study to its recorded results: plan, inputs, trainings, and the run of a study in order."""
