"""From a recorded run back to its result: trained again and compared, or compared with another run."""
