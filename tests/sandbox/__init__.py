"""Whether the stand-ins are as strict as the providers' documents."""
