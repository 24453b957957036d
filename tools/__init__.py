"""What build.py does, standard library only: it runs before anything is installed."""
