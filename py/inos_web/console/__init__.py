"""The Python console: what a person types on the page, run beside the node or in a scratch worker.

``console`` runs sources and answers in pieces; ``source`` compiles and completes; ``values`` turns values into what a page
can draw without markup; ``traces`` words errors; ``interrupts`` stops loops; ``scope`` is what a source on the node finds;
``border`` and ``scratch`` are the only modules that know JavaScript. Loaded when somebody first opens the console.
"""
