"""This project's searcher: pruning, bits and ranks together.

    joint              The joint search over pruning, bits and ranks: what is known is used
    known_memory_gain  The expected gain of hypervolume where one of two objectives is known: in closed form
    loss_model         What the joint search believes: a Gaussian process of the loss
    remembered_memory  A closed form of bytes that is worked out once for each configuration
    shaped_inputs      What a Gaussian process of few results is told of a configuration: where it is damaged
    transferred_start  Where a search starts when other tasks are known

May import: ``contract``, ``allocation``, ``general``, ``models``, ``moves``.
"""
