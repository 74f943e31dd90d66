-- Nobody may take an import away, and who writes rows of one has locked it: asking for each row whether it is there tells
-- nothing.
ALTER TABLE contact_import_faults DROP CONSTRAINT contact_import_faults_import_id_fkey;
ALTER TABLE contact_import_changes DROP CONSTRAINT contact_import_changes_import_id_fkey;
ALTER TABLE contact_import_values DROP CONSTRAINT contact_import_values_import_id_fkey;
ALTER TABLE contact_import_identities DROP CONSTRAINT contact_import_identities_import_id_fkey;
