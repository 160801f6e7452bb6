"""Steps from one configuration to another, and which survive.

    climbing       The best unvisited configuration under a score, by climbing from many starts with small moves
    fixed_choices  One rate, or one rate and one rank, for methods that search the rest alone
    genes          Starts, crossover and mutation where the (bits, rank) of one unit is one gene
    moves          Small changes of a configuration: one choice up or down
    scalarisation  Several objectives as one number to minimise
    survival       Which results live on: non-dominated sorting, then crowding distance, by pymoo

May import: ``contract``.
"""
