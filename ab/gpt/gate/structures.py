"""The structures of LEMUR's own captioners, which only a run can show, so that nobody has to run them first.

Each is the digest that a smoke run gives of the modules and their shapes, under the hash of the model's code. A test
compares them with what the runs give. With a torch that describes its layers in other words none of them is met.
"""

from __future__ import annotations

STRUCTURES: dict[str, str] = {
    "6a517327bf0ef897a22186a2061e85b3": "38a4faac392385b549d2a4153216991b",  # C10C-RESNETLSTM-6a51
    "21496e8505d8aaf6e71b13be5377258a": "f2d12f31ca9afb6d731963fb4a254249",  # C10C-RESNETLSTM-8f7a
    "3e452673cd5bfc2c01f16e7f3cf8bbff": "65842cf09eee0ee3c87d5702856e6724",  # C10C-ResNetTransformer-0370
    "187ccbee8050ac295637ecedecb4da1e": "65842cf09eee0ee3c87d5702856e6724",  # C10C-ResNetTransformer-187c
    "e2b49b871c8b9a9014277a51b2348999": "8b0f72728e5196ac963c9ff4d686e1bb",  # C10C-ResNetTransformer-e2b4
    "2710f3b99727c92b2c7ead7bfa8efe49": "78288f6718f1862d875dbe887b532b0e",  # C5C-RESNETLSTM-2710
    "c42512d71480c8ef10f31e3e6c33bbdf": "23dc61954d818b637617c7ae2f8df039",  # C5C-RESNETLSTM-c425
    "e2e7f73d80387d8ad3095a919563d65c": "65233b5fc80cb2f3594dbe7d28189f29",  # C5C-ResNetTransformer-2a01
    "83fb6b6bb7c76b742ad0713d29463514": "0f8e8d8d5a12970e7ed0fa7df3d9ba2b",  # C5C-ResNetTransformer-83fb
    "7730b6eb6979d27e2e1bbc7d05255dff": "c0fb472c3974422329d5f6ffc8977f33",  # C8C-ResNetTransformer-7730
    "a4e3737582e33d964b33e76a044d423b": "f3348d8284c4419cc0a96069380f9c55",  # RESNETLSTM
    "5a72036b41340d29086710dc1058f21d": "4cdff9e7c750627472527015ccac5f00",  # ResNetTransformer
}
