"""What every bench stands on; nothing here knows what is measured."""
