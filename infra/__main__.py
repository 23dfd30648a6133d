"""What the engine runs for every stack of the project."""

from domicile_infra.program import main

main()
