"""Infrastructure as code: where things run (`cluster`), what runs (`platform`), and stand-ins (`offline`)."""
