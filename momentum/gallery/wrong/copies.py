"""Copies, deep or pickled, that are not independent or not complete."""

from momentum.gallery.wrong._families import copied

# fmt: off
copied("pickle_forgets_nesterov", "A pickled copy is Nesterov's no more.",
       "a flag that is not in the state",
       lambda run, twin, how: {"hypers": [h._replace(nesterov=False) for h in twin.hypers]}
       if how == "pickle" else {})
copied("pickle_drops_velocity", "A pickled copy has no velocity.", "state is keyed by identity",
       lambda run, twin, how: {"states": {}} if how == "pickle" else {})
copied("deepcopy_shares_velocity", "A deep copy shares its velocity.",
       "a shallow copy of the state",
       lambda run, twin, how: {"states": run.states} if how == "deepcopy" else {})
copied("deepcopy_shares_parameters", "A deep copy shares its parameters.",
       "a shallow copy of the list",
       lambda run, twin, how: {"theta": run.theta} if how == "deepcopy" else {})
copied("copy_forgets_set", "A copy has the hyper-parameters of the start.",
       "the constructor's are kept", lambda run, twin, how: {"hypers": list(run.begun)})
copied("copy_loses_attribute", "A copy of the optimizer fails at its next step.",
       "an attribute of the constructor is not part of the state",
       lambda run, twin, how: {"options": None},
       "kakaobrain/torchlars#5 pytorch/pytorch#72839")
# fmt: on
