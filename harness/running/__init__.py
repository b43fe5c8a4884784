"""From a study to its recorded results: plan, inputs, trainings, and the steps of a study run."""
